-- inlay: no-transaction

SET maintenance_work_mem = '64MB';
CREATE INDEX CONCURRENTLY "Account's name"
    ON public.accounts (name);
VACUUM accounts