CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    -- Only a change that one can see moves the ticket up in the lists.
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END;
$function$;

CREATE TRIGGER tickets_touch
    BEFORE UPDATE ON tickets
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
