// Glibc's module does not show setfsuid, with which one thread of a test that runs as root loses root's rights to files.
#include <sys/fsuid.h>
