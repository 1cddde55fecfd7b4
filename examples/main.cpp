// Every example's main: the whole command line of `kith`, with the example's agent types in it.
#include <kith/kith.hpp>

int main(int argc, char** argv) { return kith::main(argc, argv); }
