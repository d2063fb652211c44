-- The secure function behind the masks `hash` and `token`: a keyed SHA-256 whose key nobody has ever written down.
-- Run once, as a role that neither agents nor the gate use. Dropping the key makes every token another one.
-- The names are examples; the policy gives the function's full name.

CREATE SCHEMA IF NOT EXISTS GOVERNANCE.MASKS WITH MANAGED ACCESS;

-- The key is made here, of two random UUIDs and more, so it stands in no statement's text and in no query history.
CREATE TABLE IF NOT EXISTS GOVERNANCE.MASKS.MASK_KEY AS
    SELECT SHA2(UUID_STRING() || UUID_STRING() || UUID_STRING(), 256) AS K;

-- Secure: its text is hidden from everybody but its owner. It runs with its owner's rights, so that only it reads the
-- key. Total: any text gives 64 hexadecimal digits, and NULL gives NULL. The key stands on both sides of the value, as
-- in HMAC (RFC 2104), so that nothing can be appended.
CREATE OR REPLACE SECURE FUNCTION GOVERNANCE.MASKS.KEYED(V VARCHAR)
    RETURNS VARCHAR
    AS $$ SELECT SHA2(MAX(K) || SHA2(MAX(K) || V, 256), 256) FROM GOVERNANCE.MASKS.MASK_KEY $$;

GRANT USAGE ON SCHEMA GOVERNANCE.MASKS TO ROLE ANALYST_RO;
GRANT USAGE ON FUNCTION GOVERNANCE.MASKS.KEYED(VARCHAR) TO ROLE ANALYST_RO;
