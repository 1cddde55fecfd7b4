// The program `kith`: the whole command line, with the examples' agent types in it.
#include "tools/kith/program/program.hpp"

int main(int argc, char** argv) { return kith::main_with(argc, argv, {}); }
