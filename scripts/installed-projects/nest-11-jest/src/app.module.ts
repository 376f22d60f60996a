import { generateKeyPairSync } from 'node:crypto'
import { clientSecretBasic, Fhir, FhirAuthModule, type FhirContext, loadKeySet, RequireFhir } from '@fhir-auth/nest'
import { Controller, Get, Module } from '@nestjs/common'

@Controller('patient')
export class PatientController {
  @Get()
  @RequireFhir({ patient: true })
  read(@Fhir() fhir: FhirContext): { patient: string | undefined } {
    return { patient: fhir.patient }
  }
}

const registration = {
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: 'app',
  metadata: {
    authorization_endpoint: 'https://auth.example.com/authorize',
    token_endpoint: 'https://auth.example.com/token',
  },
}

@Module({
  imports: [
    FhirAuthModule.forRootAsync({
      useFactory: async () => ({
        smartLaunch: {
          ...registration,
          clientAuth: clientSecretBasic('a secret of the client'),
          redirectUri: 'https://portal.example.com/callback',
          scope: 'openid launch/patient patient/*.rs',
          session: { secret: 'a secret of the session, long enough' },
        },
        backendServices: {
          ...registration,
          keys: await loadKeySet(
            generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
          ),
          scope: 'system/*.rs',
        },
      }),
    }),
  ],
  controllers: [PatientController],
})
export class AppModule {}
