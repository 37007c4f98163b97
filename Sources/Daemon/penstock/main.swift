import Commands
import Glibc

// Not an `await` of this thread's own: libdispatch would give the first thread up and wait for signals in a way that
// ends valgrind 3.19, which counts what the budgets of Tests/Budgets bound.
Task.detached {
    // Not exit(): it would run the C libraries' destructors while threads still use them. Nothing is buffered.
    _exit(await runCommand(Array(CommandLine.arguments.dropFirst())))
}
while true { pause() }
