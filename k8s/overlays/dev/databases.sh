# Runs once, on an empty server: creates a database for each service, a role of the same name that uses it, and one
# that owns and migrates it. `migrate` grants what the former needs; nobody else may connect to the database.
for name in users products orders notifications; do
  password=${name^^}_PASSWORD owner_password=${name^^}_OWNER_PASSWORD
  psql -v ON_ERROR_STOP=1 -U postgres -v name="$name" -v password="${!password}" \
    -v owner="${name}_owner" -v owner_password="${!owner_password}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
