import 'reflect-metadata'
import { Fhir, FhirAuthModule, type FhirContext, RequireFhir } from '@fhir-auth/nest'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { backendOptions, launchOptions, reportServer } from './settings.js'

@Controller('patient')
class PatientController {
  @Get()
  @RequireFhir({ patient: true })
  read(@Fhir() fhir: FhirContext): { patient: string | undefined } {
    return { patient: fhir.patient }
  }
}

const fhirAuth = FhirAuthModule.forRootAsync({
  useFactory: async () => ({ smartLaunch: launchOptions(), backendServices: await backendOptions() }),
})

@Module({ imports: [fhirAuth], controllers: [PatientController] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] })
  await app.init()
  await reportServer(app.getHttpAdapter().getInstance())
  await app.close()
}

void main()
