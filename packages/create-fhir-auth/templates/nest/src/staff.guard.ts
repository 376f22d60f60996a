// #only backend
import { type CanActivate, type ExecutionContext, Inject, Injectable, UnauthorizedException } from '@nestjs/common'
import { isStaff } from './staff.ts'

export const STAFF_TOKEN = Symbol('staff token')

@Injectable()
export class StaffGuard implements CanActivate {
  readonly #staffToken: string

  constructor(@Inject(STAFF_TOKEN) staffToken: string) {
    this.#staffToken = staffToken
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>()
    if (!isStaff(headers.authorization, this.#staffToken)) throw new UnauthorizedException()
    return true
  }
}
