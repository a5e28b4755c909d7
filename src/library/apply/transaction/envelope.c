/* Sends the making of our tables before the first migration and the unlock after the last, in
 * the same conversation. */
#include "apply/transaction/envelope.h"
#include "history/sql.h"

int inlay_envelope_add_tables(struct envelope *envelope, struct inlay_error *err)
{
    return inlay_prepare_list(envelope->request, envelope->known, &envelope->tables, err);
}

void inlay_envelope_finish(struct envelope *envelope)
{
    inlay_tables_free(&envelope->tables);
}

void inlay_envelope_begin(struct envelope *envelope)
{
    envelope->unlock_sent = false;
}

void inlay_envelope_rewind(struct envelope *envelope)
{
    envelope->sent = envelope->heard = 0;
    envelope->refused = false;
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
    *message = inlay_lock_message(&envelope->request->name, inlay_lock_release_sql, &envelope->key);
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
    inlay_tables_refuse(&envelope->tables, result, err);
    return inlay_prepare_refuse(envelope->request, envelope->known, err);
}

/* Rows come one by one here: the last result of the answer has none. */
void inlay_envelope_take_unlock(struct envelope *envelope, const PGresult *result)
{
    if (inlay_result_failed(result) || PQntuples(result) == 1)
        inlay_lock_released(envelope->lock, result);
}
