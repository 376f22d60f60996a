import type { Sandbox } from '@fhir-auth/sandbox'
import { Controller, type DynamicModule, Get, type ModuleMetadata, UseGuards } from '@nestjs/common'
import {
  Fhir,
  FhirAuthModule,
  type FhirAuthModuleOptions,
  type FhirContext,
  FhirGuard,
  RequireFhir,
  RequireScopes,
} from '../../src/index.ts'
import { launchOptions } from './registrations.ts'

@Controller()
export class PortalController {
  @Get('open')
  open(@Fhir() fhir: FhirContext | undefined) {
    return { patient: fhir?.patient ?? null }
  }

  @Get('vitals')
  @UseGuards(FhirGuard)
  async vitals(@Fhir() fhir: FhirContext) {
    return (await fhir.fetch(`Observation?patient=${fhir.patient}`)).json()
  }

  @Get('conditions')
  @RequireScopes('patient/Condition.rs')
  conditions() {
    return 'conditions'
  }

  @Get('encounter')
  @RequireFhir({ encounter: true })
  encounter() {
    return 'encounter'
  }

  @Get('both-passed')
  @RequireScopes('patient/Patient.r', 'patient/Observation.s')
  @RequireFhir({ patient: true })
  bothPassed() {
    return 'passed'
  }

  @Get('first-fails')
  @RequireScopes('patient/Condition.rs')
  @RequireFhir({ patient: true })
  firstFails() {
    return 'first'
  }

  @Get('second-fails')
  @RequireFhir({ patient: true })
  @RequireScopes('patient/Condition.rs')
  secondFails() {
    return 'second'
  }
}

@RequireScopes('patient/Condition.rs')
class ConditionsOnly {}

@Controller('inherited')
@RequireFhir({ patient: true })
class InheritedController extends ConditionsOnly {
  @Get()
  read() {
    return 'inherited'
  }
}

@Controller('combined')
@RequireFhir({ patient: true })
class CombinedController {
  @Get('method')
  @RequireScopes('patient/Condition.rs')
  method() {
    return 'method'
  }

  @Get('class')
  class() {
    return 'class'
  }
}

/** An app that logs people in, with guarded and open routes. */
export function portalModule(
  sandbox: Sandbox,
  options: Partial<FhirAuthModuleOptions> = {},
  more: ModuleMetadata = {},
): (origin: string) => DynamicModule {
  return (origin) => ({
    module: class AppModule {},
    controllers: [PortalController, CombinedController, InheritedController],
    ...more,
    imports: [
      FhirAuthModule.forRoot({
        ...options,
        smartLaunch: options.smartLaunch ?? launchOptions(sandbox, `${origin}/callback`),
      }),
    ],
  })
}
