"""People share accounts, and users and teams share one namespace of handles."""

from chassis import schema

revision = "0007"
down_revision = "0006"

_TABLES = """
CREATE TABLE handles (
    handle text CONSTRAINT pk_handles PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT uq_handles_account_id UNIQUE,
    kind text NOT NULL CONSTRAINT ck_handles_kind CHECK (kind IN ('USER', 'TEAM'))
);

CREATE TABLE teams (
    team_id uuid CONSTRAINT pk_teams PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT ck_teams_own_account CHECK (account_id = team_id),
    founder_id uuid NOT NULL CONSTRAINT fk_teams_founder_id REFERENCES users,
    handle text NOT NULL,
    display_name text NOT NULL,
    chat_id uuid NOT NULL,
    member_count integer NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz
);

CREATE INDEX ix_teams_founder_id ON teams (founder_id);

CREATE TABLE members (
    member_id uuid CONSTRAINT pk_members PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT ck_members_account CHECK (account_id = team_id),
    team_id uuid NOT NULL CONSTRAINT fk_members_team_id REFERENCES teams,
    user_id uuid NOT NULL CONSTRAINT fk_members_user_id REFERENCES users,
    handle text NOT NULL,
    role text NOT NULL
        CONSTRAINT ck_members_role CHECK (role IN ('AUDITOR', 'VIEWER', 'MEMBER', 'ADMIN', 'OWNER')),
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT uq_members_user_id UNIQUE (team_id, user_id)
);
CREATE INDEX ix_members_team_id ON members (team_id, member_id);
CREATE INDEX ix_members_user_id ON members (user_id, team_id DESC);
"""

# The release before knows nothing of handles, so the database itself claims those of the users that it makes.
_HANDLES = """
CREATE FUNCTION claim_handle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO handles (handle, account_id, kind) VALUES (NEW.handle, NEW.account_id, TG_ARGV[0]);
    RETURN NULL;
END
$$;
CREATE TRIGGER claim_handle AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION claim_handle('USER');
CREATE TRIGGER claim_handle AFTER INSERT ON teams FOR EACH ROW EXECUTE FUNCTION claim_handle('TEAM');
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
INSERT INTO handles (handle, account_id, kind) SELECT handle, account_id, 'USER' FROM users;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
"""

# Who acts in their own account sees of others which handles there are, and the teams to which they belong. Those that
# they made count after they have left, too; nothing else of them is shown.
_BEYOND_THE_ACCOUNT = """
CREATE POLICY everybody ON handles FOR SELECT TO workspace USING (true);
CREATE POLICY own ON members FOR SELECT TO workspace
    USING (user_id = NULLIF(current_setting('app.account_id', true), '')::uuid);
CREATE POLICY founded ON teams FOR SELECT TO workspace
    USING (founder_id = NULLIF(current_setting('app.account_id', true), '')::uuid);
CREATE POLICY own ON teams FOR SELECT TO workspace USING (team_id IN (
    SELECT team_id FROM members WHERE user_id = NULLIF(current_setting('app.account_id', true), '')::uuid
));
"""


def upgrade() -> None:
    """Add the tables, isolated by account but for what is said above."""
    schema.execute(_TABLES)
    schema.execute(_HANDLES)
    schema.isolate("handles", "workspace", rights="SELECT, INSERT")
    for table in ("teams", "members"):
        schema.isolate(table, "workspace")
    schema.execute(_BEYOND_THE_ACCOUNT)
