import { type Command, Option } from 'commander'
import { SETTINGS, type SettingName, settingNames } from './settings.ts'

/**
 * Gives a command the options that configure a connection.
 *
 * @param unused - settings that the command has no use for
 */
export function addSettingOptions(command: Command, unused: readonly SettingName[] = []): Command {
  for (const name of settingNames) {
    const setting = SETTINGS[name]
    if (setting.flag === undefined || unused.includes(name)) continue
    // The environment is read by `readSettings`, because a configuration file has priority over it.
    command.addOption(new Option(setting.flag, `${setting.help} [${setting.variable}]`))
  }
  return command.option('--config <file>', 'JSON with the same settings; wins over the environment')
}
