import Commands
import Glibc

exit(await runCommand(Array(CommandLine.arguments.dropFirst())))
