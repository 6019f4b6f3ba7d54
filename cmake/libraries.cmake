# Debian's libraries. RocksDB and libpg_query are linked statically by default: no relocations for them, and the linker drops
# what is not used.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)

function(helios_library name file)
  find_library(LIB_${name} NAMES ${file} REQUIRED)
  add_library(ext_${name} INTERFACE)
  target_link_libraries(ext_${name} INTERFACE ${LIB_${name}})
endfunction()

if(HELIOS_STATIC_LIBS)
  helios_library(rocksdb librocksdb.a)
  # libpg_query carries PostgreSQL's own function names (list_concat, hash_bytes ...), which would meet ours at the link. A copy of the archive
  # with every other global symbol renamed keeps its members separate, so that the linker still drops the unused ones.
  find_library(LIB_pg_query_archive NAMES libpg_query.a REQUIRED)
  set(pg_query_private ${CMAKE_BINARY_DIR}/libpg_query_private.a)
  if(NOT EXISTS ${pg_query_private})
    execute_process(COMMAND sh -c "nm -g --defined-only '${LIB_pg_query_archive}' | awk 'NF==3 && $3 !~ /^pg_query/ {print $3, \"pgq_\" $3}' | sort -u > pg_query_symbols && objcopy --redefine-syms=pg_query_symbols '${LIB_pg_query_archive}' libpg_query_private.a"
      WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  add_library(ext_pg_query INTERFACE)
  target_link_libraries(ext_pg_query INTERFACE ${pg_query_private})
else()
  helios_library(rocksdb rocksdb)
  helios_library(pg_query pg_query)
endif()
target_link_libraries(ext_rocksdb INTERFACE snappy lz4 zstd bz2 z gflags dl stdc++ Threads::Threads)
target_link_libraries(ext_pg_query INTERFACE protobuf-c xxhash)
helios_library(xxhash xxhash)
helios_library(microhttpd microhttpd)
helios_library(pcre2 pcre2-8)
helios_library(utf8proc utf8proc)
helios_library(stemmer stemmer)
helios_library(gmp gmp)
helios_library(mpfr mpfr)
