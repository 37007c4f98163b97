import Commands
import Glibc

// Not exit(): it would run the C libraries' destructors while threads still use them. Nothing is buffered.
_exit(await runCommand(Array(CommandLine.arguments.dropFirst())))
