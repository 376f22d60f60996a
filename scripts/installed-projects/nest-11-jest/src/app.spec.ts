import type { INestApplication } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import * as request from 'supertest'
import { AppModule } from './app.module'

describe('the app', () => {
  let app: INestApplication
  beforeEach(async () => {
    const testing = await Test.createTestingModule({ imports: [AppModule] }).compile()
    app = testing.createNestApplication()
    await app.init()
  })
  afterEach(() => app.close())

  it('login begins at the authorization server', async () => {
    const answer = await request(app.getHttpServer()).get('/login').expect(303)
    expect(answer.headers.location).toContain('https://auth.example.com/authorize')
  })
  it('guards a route', () => request(app.getHttpServer()).get('/patient').expect(401))
  it('serves keys', async () => {
    const { body } = await request(app.getHttpServer()).get('/.well-known/jwks.json').expect(200)
    expect(body.keys).toHaveLength(1)
  })
})
