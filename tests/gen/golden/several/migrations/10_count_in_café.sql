-- inlay: lock_timeout=2s statement_timeout=10min
-- inlay: isolation=serializable

INSERT INTO accounts (name) VALUES ('café 1'), ('	tab');
