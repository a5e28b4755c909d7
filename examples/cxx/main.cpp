// The library from C++, without the command line: a connection of one's own, and a log.
#include <inlay.h>

#include <cstdlib>
#include <iostream>
#include <libpq-fe.h>
#include <memory>

extern "C" const inlay_set notes_migrations;

int main()
{
    const char *url = std::getenv("DATABASE_URL");
    std::unique_ptr<PGconn, decltype(&PQfinish)> conn(PQconnectdb(url ? url : ""), PQfinish);

    inlay_options options{};
    options.size = sizeof options;
    options.connection = conn.get();
    options.log = [](void *, inlay_log_level, const char *text) { std::cerr << text << '\n'; };

    inlay_result result;
    inlay_error err;
    if (inlay_migrate(&notes_migrations, &options, &result, &err) != INLAY_OK) {
        char text[INLAY_ERROR_TEXT_MAX];
        inlay_error_format(&err, text, sizeof text);
        std::cerr << text;
        return EXIT_FAILURE;
    }
    std::cout << "applied " << result.applied << '\n';
    return EXIT_SUCCESS;
}
