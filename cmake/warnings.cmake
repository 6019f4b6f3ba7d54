# Warnings are errors in our own code.
add_library(helios_warnings INTERFACE)
target_compile_options(helios_warnings INTERFACE -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wno-sign-compare>)
