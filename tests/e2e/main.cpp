// e2e_node: the whole command line of `kith`, with the agents of these tests and of the examples.
#include <kith/kith.hpp>

int main(int argc, char** argv) { return kith::main(argc, argv); }
