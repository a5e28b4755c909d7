/* The program of the database tests: inlay's own command line and nothing else. The migrations are
 * linked in by the test that runs it. */
#include <inlay-cli.h>

extern const struct inlay_set app_migrations;

int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &app_migrations);
}
