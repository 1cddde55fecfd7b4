// The program `kith`: the whole command line, with the examples' agent types and the bench in it.
#include "tools/bench/bench.hpp"
#include "tools/kith/program/program.hpp"

int main(int argc, char** argv) { return kith::main_with(argc, argv, kith::bench::commands()); }
