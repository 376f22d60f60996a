// #only login
import { Controller, Get, Header } from '@nestjs/common'
import { homePage } from './home-page.ts'

@Controller()
export class HomeController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  home() {
    return homePage
  }
}
