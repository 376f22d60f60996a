import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common'

export const READY = Symbol('ready')

@Controller()
export class HealthController {
  readonly #isReady: () => Promise<boolean>

  constructor(@Inject(READY) isReady: () => Promise<boolean>) {
    this.#isReady = isReady
  }

  @Get('ready')
  async ready() {
    if (!(await this.#isReady())) throw new ServiceUnavailableException()
    return 'OK'
  }
}
