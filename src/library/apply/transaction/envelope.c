#include "apply/transaction/envelope.h"
#include "history/sql.h"

int inlay_frame_init(struct frame *frame, struct run *run, bool makes_tables, bool unlocks,
                     struct inlay_error *err)
{
    *frame = (struct frame){.run = run, .unlocks = unlocks && run->connection.lock.held};
    return makes_tables ? inlay_prepare_list(run, &frame->tables, err) : INLAY_OK;
}

void inlay_frame_finish(struct frame *frame)
{
    inlay_tables_free(&frame->tables);
}

void inlay_frame_begin(struct frame *frame)
{
    frame->unlock_sent = false;
}

bool inlay_frame_front(struct frame *frame, struct message *message)
{
    if (frame->sent == inlay_tables_messages(&frame->tables))
        return false;
    *message = (struct message){.sql = inlay_tables_message(&frame->tables, frame->sent++)};
    return true;
}

bool inlay_frame_back(struct frame *frame, struct message *message)
{
    if (!frame->unlocks || frame->unlock_sent)
        return false;
    *message = inlay_lock_message(&frame->run->request.name, inlay_lock_release_sql, &frame->key);
    frame->unlock_sent = true;
    return true;
}

bool inlay_frame_is_open(const struct frame *frame)
{
    return frame->heard < frame->sent;
}

int inlay_frame_take(struct frame *frame, const PGresult *result, struct inlay_error *err)
{
    if (!inlay_result_failed(result))
        return INLAY_OK;
    frame->refused = true;
    inlay_result_error(result, INLAY_E_REFUSED, err);
    return inlay_prepare_refuse(frame->run, err);
}

/* Rows come one by one here: the last result of the answer has none. */
void inlay_frame_take_unlock(struct frame *frame, const PGresult *result)
{
    if (inlay_result_failed(result) || PQntuples(result) == 1)
        inlay_lock_released(&frame->run->connection.lock, result);
}
