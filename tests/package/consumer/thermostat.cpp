// Makes the agent known by its name.
#include <thermostat.hpp>

KITH_AGENT(thermostat);
