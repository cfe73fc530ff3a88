// main() of every test executable where Catch2 2 is installed; version 3 brings its own.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
