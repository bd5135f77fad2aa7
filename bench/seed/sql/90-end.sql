-- once
DROP SCHEMA seed CASCADE;
