/* The variables that say what the command line does not. */
#ifndef INLAY_CLI_ENVIRONMENT_H
#define INLAY_CLI_ENVIRONMENT_H

/* NULL where the variable is empty, too. */
const char *inlay_cli_environment(const char *name);

#endif
