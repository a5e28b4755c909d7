DROP TRIGGER tickets_touch ON tickets;
DROP FUNCTION touch_updated_at();
