CREATE TABLE shop.orders (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    total bigint NOT NULL
);
