// The program: the whole command line of `kith`, with the agents that are linked in.
#include <kith/client.hpp>
#include <kith/json.hpp>
#include <kith/kith.hpp>

int main(int argc, char** argv) { return kith::main(argc, argv); }
