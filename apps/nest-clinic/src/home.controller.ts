import { Controller, Get, Header } from '@nestjs/common'
import { homePage } from './pages.ts'

@Controller()
export class HomeController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  home(): string {
    return homePage()
  }
}
