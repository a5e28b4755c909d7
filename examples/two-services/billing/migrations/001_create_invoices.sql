CREATE TABLE billing.invoices (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    cents    bigint NOT NULL
);
