// Only the library for bytes is used; its functions and types end in _8.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
