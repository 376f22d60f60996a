import 'reflect-metadata'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { FhirAuthModule } from '@fhir-auth/nest'
import { type DynamicModule, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type FhirAuth, isReady } from './fhir-auth.ts'
import { HealthController, READY } from './health.controller.ts'
// #if login
import { HomeController } from './home.controller.ts'
// #end
// #if backend
import { JobsController } from './jobs.controller.ts'
// #end
// #if login
import { RecordController } from './record.controller.ts'
// #end
// #if backend
import { STAFF_TOKEN } from './staff.guard.ts'
// #end

@Module({})
class AppModule {}

function appModule(auth: FhirAuth): DynamicModule {
  return {
    module: AppModule,
    // #if onlyLogin
    imports: [FhirAuthModule.forRoot({ smartLaunch: auth.launch })],
    controllers: [HealthController, HomeController, RecordController],
    providers: [{ provide: READY, useValue: () => isReady(auth) }],
    // #end
    // #if onlyBackend
    imports: [FhirAuthModule.forRoot({ backendServices: auth.backend })],
    controllers: [HealthController, JobsController],
    providers: [
      { provide: READY, useValue: () => isReady(auth) },
      { provide: STAFF_TOKEN, useValue: auth.staffToken ?? '' },
    ],
    // #end
    // #if both
    imports: [FhirAuthModule.forRoot({ smartLaunch: auth.launch, backendServices: auth.backend })],
    controllers: [HealthController, HomeController, RecordController, JobsController],
    providers: [
      { provide: READY, useValue: () => isReady(auth) },
      { provide: STAFF_TOKEN, useValue: auth.staffToken ?? '' },
    ],
    // #end
  }
}

export async function createApp(auth: FhirAuth) {
  const app = await NestFactory.create(appModule(auth), { logger: ['error', 'warn'] })
  // Before FhirAuthModule, which may wait for a token: whether the process lives depends on nobody else.
  app.use('/live', (_req: IncomingMessage, res: ServerResponse) => res.end('OK'))
  return app
}
