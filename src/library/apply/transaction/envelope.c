#include "apply/transaction/envelope.h"
#include "history/sql.h"

int inlay_envelope_init(struct envelope *envelope, struct run *run, bool makes_tables, bool unlocks,
                        struct inlay_error *err)
{
    *envelope = (struct envelope){.run = run, .unlocks = unlocks && run->connection.lock.held};
    return makes_tables ? inlay_prepare_list(run, &envelope->tables, err) : INLAY_OK;
}

void inlay_envelope_finish(struct envelope *envelope)
{
    inlay_tables_free(&envelope->tables);
}

void inlay_envelope_begin(struct envelope *envelope)
{
    envelope->unlock_sent = false;
}

bool inlay_envelope_front(struct envelope *envelope, struct message *message)
{
    if (envelope->sent == inlay_tables_messages(&envelope->tables))
        return false;
    *message = (struct message){.sql = inlay_tables_message(&envelope->tables, envelope->sent++)};
    return true;
}

bool inlay_envelope_back(struct envelope *envelope, struct message *message)
{
    if (!envelope->unlocks || envelope->unlock_sent)
        return false;
    *message =
        inlay_lock_message(&envelope->run->request.name, inlay_lock_release_sql, &envelope->key);
    envelope->unlock_sent = true;
    return true;
}

bool inlay_envelope_is_open(const struct envelope *envelope)
{
    return envelope->heard < envelope->sent;
}

int inlay_envelope_take(struct envelope *envelope, const PGresult *result, struct inlay_error *err)
{
    if (!inlay_result_failed(result))
        return INLAY_OK;
    envelope->refused = true;
    inlay_result_error(result, INLAY_E_REFUSED, err);
    return inlay_prepare_refuse(envelope->run, err);
}

/* Rows come one by one here: the last result of the answer has none. */
void inlay_envelope_take_unlock(struct envelope *envelope, const PGresult *result)
{
    if (inlay_result_failed(result) || PQntuples(result) == 1)
        inlay_lock_released(&envelope->run->connection.lock, result);
}
