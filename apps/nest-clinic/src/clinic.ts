import { clientSecretBasic, FhirAuthModule } from '@fhir-auth/nest'
import type { DynamicModule, INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ChartController } from './chart.controller.ts'
import { ChartService } from './chart.service.ts'
import { HomeController } from './home.controller.ts'

export interface ClinicConfig {
  /** Where the EHR opens the app, e.g. `https://clinic.example.com`. */
  origin: string
  fhirBaseUrl: string
  clientId: string | undefined
  clientSecret: string | undefined
  sessionSecret: string | undefined
}

class ClinicModule {}

function clinicModule({ origin, fhirBaseUrl, clientId, clientSecret, sessionSecret }: ClinicConfig): DynamicModule {
  const fhirAuth = FhirAuthModule.forRoot({
    smartLaunch: {
      fhirBaseUrl,
      clientId,
      clientAuth: clientSecretBasic(clientSecret),
      redirectUri: `${origin}/callback`,
      scope:
        'launch openid fhirUser online_access ' +
        'patient/Patient.rs patient/Condition.rs patient/MedicationRequest.rs patient/Observation.rs',
      session: {
        secret: sessionSecret,
        // In a frame of the EHR the app is a third party. Browsers take a cookie there over https alone.
        sameSite: origin.startsWith('https:') ? 'none' : 'lax',
      },
      // Clinicians come from the EHR, with a patient: there is no login without.
      paths: { login: false, home: '/patient' },
    },
  })
  return {
    module: ClinicModule,
    imports: [fhirAuth],
    controllers: [HomeController, ChartController],
    providers: [ChartService],
  }
}

/** The clinic's app, launched by an EHR at `/launch`. */
export function createClinic(config: ClinicConfig): Promise<INestApplication> {
  return NestFactory.create(clinicModule(config), { logger: ['warn', 'error', 'fatal'] })
}
