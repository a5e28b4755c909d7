DROP FUNCTION account_name;
DROP TABLE accounts;
