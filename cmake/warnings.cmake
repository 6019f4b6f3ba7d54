# Warnings are errors in our own code. gcc's maybe-uninitialized guesses wrong where an out-parameter is set whenever the Status is OK;
# clang's analyzer and the sanitizers look for the real thing.
add_library(helios_warnings INTERFACE)
target_compile_options(helios_warnings INTERFACE -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wno-sign-compare $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>>)
