/* Runs one scenario again and again, each time with the next of its calls failing, until
 * it comes to its end without having met that call. Prints a line for each time: what the library
 * returned, and what is in the database. Stands behind wraps.c and faulty_calls.c.
 *
 *     faulty SCENARIO own|caller KIND:FIRST:STEP...
 */
/* More than any of these runs takes, on whatever machine. */
#define HANG_SECONDS 60

#define SETTLE_MS 5000
#define UNTOUCHED 99

static const char begin_anew[] =
    "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public";

static PGconn *caller;
static PQnoticeReceiver default_receiver;

/* ---- the database ---- */

static void ask(const char *sql, char text[TEXT_MAX])
{
    PGresult *result = PQexec(observer, sql);

    snprintf(text, TEXT_MAX, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    __real_PQclear(result);
}

static void execute(const char *sql)
{
    PGresult *result = PQexec(observer, sql);

    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
        fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
    __real_PQclear(result);
}

/* A query fails where its table is not there, and then there is nothing. */
static void picture(void)
{
    static const char *const queries[] = {
        "SELECT string_agg(version::text, ',' ORDER BY version) FROM applied_migrations",
        "SELECT string_agg(key, ',') FROM applied_migrations_state WHERE kind = 'repeatable'",
        "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class LEFT JOIN pg_index"
        " ON indexrelid = pg_class.oid WHERE relname IN ('one', 'two', 'three', 'four', 'view')"
        " AND indisvalid IS NOT FALSE",
        "SELECT string_agg(a::text, ',' ORDER BY a) FROM one",
    };
    char text[TEXT_MAX];

    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ask(queries[i], text);
        printf("\t%s", text);
    }
}

/* A session that was closed ends by itself, but not at once. */
static void await_no_lock(char text[TEXT_MAX])
{
    for (int waited = 0; waited < SETTLE_MS; waited += 2) {
        ask("SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()",
            text);
        if (strcmp(text, "0") == 0)
            return;
        usleep(2000);
    }
}

static void await_balance(void)
{
    for (int waited = 0; waited < SETTLE_MS; waited++) {
        bool even = true;
        for (size_t i = 0; i < ACCOUNTS; i++)
            even = even && atomic_load(&accounts[i]) == 0;
        if (even)
            return;
        usleep(1000);
    }
}

/* ---- the scenarios ---- */

#define ADOPTED                                                                                    \
    "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);"                           \
    "INSERT INTO schema_migrations VALUES ('1'), ('2'), ('3'), ('4')"

static const struct scenario {
    const char *name;
    const char *prepare;
    bool migrated;
    bool reads; /* and changes nothing */
    int (*call)(struct inlay_options *options, struct inlay_error *err);
    const char *repair;
    int (*again)(struct inlay_options *options, struct inlay_error *err);
} scenarios[] = {
    {"first", "", false, false, migrate, "", migrate},
    {"failing", "CREATE TABLE two ()", false, false, migrate, "DROP TABLE two", migrate},
    {"stop", "", false, false, stop, "", migrate},
    {"done", "", true, true, migrate, "", migrate},
    {"check", "", true, true, check, "", check},
    {"look", "", true, true, look_many, "", check},
    {"many", "", true, true, migrate_many, "", check},
    {"read", "", true, true, read_all, "", read_all},
    {"back", "", true, false, back, "", back},
    {"reset", "", true, false, start_over, "", start_over},
    {"adopt", ADOPTED, false, false, adopt, "", adopt},
    {"baseline", "", false, false, baseline, "", baseline},
};

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    return NULL;
}

/* What is made and dropped leaves the catalogs full of rows that are no more. */
static void tidy(void)
{
    static int times;

    if (++times % 32 == 0)
        execute("VACUUM pg_class, pg_attribute, pg_depend, pg_index, pg_type, pg_constraint,"
                " pg_namespace, pg_attrdef, pg_rewrite, pg_description");
}

static void prepare(const struct scenario *scenario)
{
    struct inlay_options options = options_on(observer);
    struct inlay_error err;

    tidy();
    execute(begin_anew);
    execute(scenario->prepare);
    if (scenario->migrated && migrate(&options, &err) != INLAY_OK)
        fprintf(stderr, "prepare: %s\n", err.message);
}

/* ---- a caller's connection ---- */

static void connect_caller(void)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof text, "%s&options=-clock_timeout%%3D7s", url);
    caller = PQconnectdb(text);
    default_receiver = PQsetNoticeReceiver(caller, NULL, NULL);
}

static const char *ask_caller(void)
{
    PGresult *found =
        PQexec(caller, "SELECT current_setting('lock_timeout'), count(*) FROM pg_locks"
                       " WHERE pid = pg_backend_pid() AND locktype = 'advisory'");
    bool same = PQntuples(found) == 1 && strcmp(PQgetvalue(found, 0, 0), "7s") == 0;
    bool without_lock = PQntuples(found) == 1 && strcmp(PQgetvalue(found, 0, 1), "0") == 0;

    __real_PQclear(found);
    if (PQstatus(caller) != CONNECTION_OK)
        return "lost since";
    return !same ? "changed" : without_lock ? "as it was" : "with the lock";
}

static const char *look_at_caller(void)
{
    if (PQstatus(caller) != CONNECTION_OK)
        return "lost";
    if (PQpipelineStatus(caller) != PQ_PIPELINE_OFF)
        return "in a pipeline";
    if (PQtransactionStatus(caller) != PQTRANS_IDLE)
        return "not idle";
    if (PQisnonblocking(caller))
        return "not blocking";
    if (PQsetNoticeReceiver(caller, NULL, NULL) != default_receiver)
        return "not silent";
    return ask_caller();
}

/* Closes it unless it can be used again; what it held ends with it. */
static const char *see_caller(void)
{
    const char *seen = look_at_caller();

    if (strcmp(seen, "as it was") != 0) {
        __real_PQfinish(caller);
        connect_caller();
    }
    return seen;
}

/* ---- one time ---- */

static void print_text(const char *text)
{
    putchar('\t');
    for (; *text != '\0'; text++)
        putchar(*text == '\n' || *text == '\t' ? ' ' : *text);
}

static void print_leaks(void)
{
    putchar('\t');
    for (size_t i = 0; i < ACCOUNTS; i++) {
        if (atomic_load(&accounts[i]) != 0)
            printf("%s=%ld ", account_names[i], atomic_load(&accounts[i]));
        atomic_store(&accounts[i], 0);
    }
}

static void run_call(int (*call)(struct inlay_options *options, struct inlay_error *err),
                     PGconn *conn, struct inlay_error *err)
{
    struct inlay_options options = options_on(conn);

    told[0] = '\0';
    count.applied = UNTOUCHED;
    memset(err, 0, sizeof *err);
    alarm(HANG_SECONDS);
    int rc = call(&options, err);
    alarm(0);
    printf("\t%s\t%s%s", inlay_code_name(rc), rc == (int)err->code ? "" : "another code",
           rc != INLAY_OK && count.applied != UNTOUCHED ? "a touched result" : "");
}

/* n, code, amiss, leaks, connection, locks, told, four of the picture; code and amiss of the second
 * run, and its picture; the statement it was at, message, hint, outcome */
static bool run_once(const struct scenario *scenario, enum kind kind, long n)
{
    struct inlay_error err;
    struct inlay_error second;
    char text[TEXT_MAX];

    if (!scenario->reads)
        prepare(scenario);
    printf("%s\t%ld", kind_names[kind], n);
    fflush(stdout);
    begin_faults(kind, n);
    run_call(scenario->call, caller, &err);
    end_faults();
    await_balance();
    print_leaks();
    print_text(caller != NULL ? see_caller() : "");
    await_no_lock(text);
    print_text(text);
    print_text(told);
    picture();
    execute(scenario->repair);
    run_call(scenario->again, observer, &second);
    picture();
    print_text(failed ? failed_at : "not met");
    print_text(err.message);
    print_text(err.hint);
    print_text(err.outcome);
    putchar('\n');
    return failed;
}

static enum kind find_kind(const char *name, size_t length)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        if (strlen(kind_names[kind]) == length && strncmp(kind_names[kind], name, length) == 0)
            return kind;
    return KINDS;
}

/* KIND:FIRST:STEP, the first call that fails, and how many further on the next one is. */
static bool run_kind(const struct scenario *scenario, const char *argument)
{
    size_t length = strcspn(argument, ":");
    enum kind kind = find_kind(argument, length);
    long n;
    long step;

    if (kind == KINDS || sscanf(argument + length, ":%ld:%ld", &n, &step) != 2)
        return false;
    while (run_once(scenario, kind, n))
        n += step;
    return true;
}

int main(int argc, char **argv)
{
    const struct scenario *scenario = argc > 2 ? find_scenario(argv[1]) : NULL;
    bool known = scenario != NULL;

    url = getenv("INLAY_DATABASE_URL");
    observer = PQconnectdb(url);
    if (!known || PQstatus(observer) != CONNECTION_OK || pipe(stop_pipe) != 0)
        return 2;
    fcntl(stop_pipe[0], F_SETFL, O_NONBLOCK);
    if (strcmp(argv[2], "caller") == 0)
        connect_caller();
    prepare(scenario);
    for (int i = 3; i < argc && known; i++)
        known = run_kind(scenario, argv[i]);
    __real_PQfinish(caller);
    __real_PQfinish(observer);
    return known ? 0 : 2;
}
