# hearth_embed(TARGET SYMBOL FILE): the bytes of FILE become read-only data of
# TARGET. In C:  extern const unsigned char SYMBOL[], SYMBOL_end[];
function(hearth_embed target symbol file)
  get_filename_component(file ${file} ABSOLUTE)
  set(asm ${CMAKE_CURRENT_BINARY_DIR}/generated/${symbol}.S)
  file(CONFIGURE OUTPUT ${asm} @ONLY CONTENT [[
#ifdef __APPLE__
#define NAME(x) _##x
    .const
#else
#define NAME(x) x
    .section .rodata
#endif
    .p2align 4
    .globl NAME(@symbol@)
NAME(@symbol@):
    .incbin "@file@"
    .globl NAME(@symbol@_end)
NAME(@symbol@_end):
    .byte 0
#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack,"",%progbits
#endif
]])
  set_source_files_properties(${asm} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${asm})
endfunction()
