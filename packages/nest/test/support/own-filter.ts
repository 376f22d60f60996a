import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'

/** What an app's own filter makes of an exception: only what any HttpException has. */
@Catch(HttpException)
export class OwnFilter implements ExceptionFilter<HttpException> {
  readonly #host: HttpAdapterHost

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#host = host
  }

  catch(exception: HttpException, context: ArgumentsHost) {
    const body = { seen: exception.name, message: exception.message, response: exception.getResponse() }
    this.#host.httpAdapter.reply(context.getArgByIndex(1), body, exception.getStatus())
  }
}
