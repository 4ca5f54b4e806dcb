"""Settings come from five places in a fixed order, and each knows which."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from gpt_trader.app.settings import OPTIONS, Settings, config_schema, load_settings
from gpt_trader.core.errors import ConfigError


def settings(folder: Path, *, env: dict[str, str] | None = None, **flags: object) -> Settings:
    return load_settings(flags=flags, env={"GPT_TRADER_HOME": str(folder / "home"), **(env or {})}, cwd=folder)


def test_with_nothing_said_everything_lives_in_the_home(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.journal == f"sqlite:///{tmp_path}/home/journal.db"
    assert found.artifacts == tmp_path / "home" / "artifacts"
    assert found.workflows == (tmp_path / "workflows",)
    assert set(found.origins.values()) == {"default"}


def test_a_flag_beats_the_environment_beats_the_project_beats_the_user(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    user, project = tmp_path / "home" / "config.yaml", tmp_path / "gpt-trader.yaml"
    for expected, step in [
        ((5, "default"), lambda: None),
        ((2, str(user)), lambda: user.write_text("max_concurrent_agents: 2\n")),
        ((3, str(project)), lambda: project.write_text("max_concurrent_agents: 3\n")),
    ]:
        step()
        found = settings(tmp_path)
        assert (found.max_concurrent_agents, found.origins["max_concurrent_agents"]) == expected
    env = {"GPT_TRADER_MAX_CONCURRENT_AGENTS": "4"}
    found = settings(tmp_path, env=env)
    assert (found.max_concurrent_agents, found.origins["max_concurrent_agents"]) == (
        4,
        "environment GPT_TRADER_MAX_CONCURRENT_AGENTS",
    )
    assert settings(tmp_path, env=env, max_concurrent_agents=9).max_concurrent_agents == 9


def test_a_project_file_is_found_from_below_and_its_paths_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "gpt-trader.yaml").write_text("journal: sqlite:///data/j.db\nworkflows: [flows]\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = settings(below)
    assert found.journal == f"sqlite:///{tmp_path}/data/j.db"
    assert found.workflows == (tmp_path / "flows",)


def test_the_homes_follow_xdg(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "d"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    found = load_settings(env=env, cwd=tmp_path)
    assert (found.home, found.user_file) == (tmp_path / "d/gpt-trader", tmp_path / "c/gpt-trader/config.yaml")
    assert load_settings(env={"HOME": str(tmp_path)}, cwd=tmp_path).home == tmp_path / ".local/share/gpt-trader"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jurnal: x\n", "there is no setting 'jurnal'"),
        ("max_concurrent_agents: many\n", "must be a whole number"),
        ("max_concurrent_agents: 0\n", "at least 1"),
        ("max_concurrent_agents: true\n", "must be a whole number"),
        ("workflows: 5\n", "must be a list of texts"),
        ("journal: ''\n", "must be a text"),
        ("- a\n", "must be a list of settings"),
        ("a: [\n", "gpt-trader.yaml:2:1 cannot be read: did not find expected node content"),
        ("plugins: \udcff\n", "is not UTF-8"),
        ("plugins: a\nplugins: b\n", "is there twice"),
        ("workflows: &a [x]\nplugins: *a\n", "without aliases"),
        ("journal: " + "[" * 5000 + "\n", "cannot be read"),
        ("a: !!python/object:os.system x\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told_by_its_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "gpt-trader.yaml").write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=message) as caught:
        settings(tmp_path)
    assert "gpt-trader.yaml" in caught.value.message
    assert caught.value.exit_code == 3


def test_agents_get_no_secrets_from_the_environment(tmp_path: Path) -> None:
    found = settings(tmp_path, env={"PATH": "/bin", "BROKER_KEY": "s", "HOME": "/h", "LANG": "C"})
    assert found.agent_env == {"PATH": "/bin", "LANG": "C"}
    assert "BROKER_KEY" not in repr(found)


def test_the_schema_of_the_file_takes_every_default_and_nothing_unknown() -> None:
    schema = config_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate({"max_concurrent_agents": 3, "workflows": ["a"]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"jurnal": "x"}, schema)
    assert set(schema["properties"]) == set(OPTIONS)


def test_a_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "gpt-trader.yaml").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="without aliases"):
        settings(tmp_path)


def test_a_failpoint_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="GPT_TRADER_FAILPOINTS"):
        settings(tmp_path, env={"GPT_TRADER_FAILPOINTS": "journal.begin=explode"})


@pytest.mark.parametrize(
    ("env", "secrets"),
    [
        ({"BROKER_API_KEY": "k-1234567"}, ("k-1234567",)),
        ({"github_token": "ghp_abcDEF123"}, ("ghp_abcDEF123",)),
        ({"DB_PASSWORD": "Correct-Horse-Battery"}, ("Correct-Horse-Battery",)),
        ({"PGPASSWORD": "verysecret99", "APIKEY": "zzzzzzzz9"}, ("verysecret99", "zzzzzzzz9")),
        ({"PASSPHRASE": "correcthorse", "MYSECRETS": "battery-staple"}, ("correcthorse", "battery-staple")),
        ({"USE_TOKEN": "disabled", "MY_KEY": "disabled"}, ()),
        ({"SSH_KEY": "/etc/passwd"}, ()),
        ({"MAX_TOKEN_COUNT": "10000000", "KEY_SHARE": "-0.12345678"}, ()),
        ({"KEYBOARD": "dvorak-123456", "TOKENS_PER_DAY": "1234567890", "MONKEY": "k-1234567"}, ()),
        ({"GPT_TRADER_JOURNAL": "postgresql://me:p%40ss-word1@host/db"}, ("p%40ss-word1", "p@ss-word1")),
        ({"GPT_TRADER_JOURNAL": "postgresql://me:Longpass12@h/db?application_name=a@b"}, ("Longpass12",)),
        ({"GPT_TRADER_JOURNAL": "postgresql://me:momentum@host/db"}, ()),
        ({"GPT_TRADER_JOURNAL": "postgresql://me:12345678@host/db"}, ()),
        ({"GPT_TRADER_JOURNAL": "postgresql://me@host/db?password=p%40ss-word1"}, ("p%40ss-word1", "p@ss-word1")),
    ],
)
def test_what_the_environment_names_a_secret_is_known_as_one(
    tmp_path: Path, env: dict[str, str], secrets: tuple[str, ...]
) -> None:
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path), **env}, cwd=tmp_path)
    assert settings.secrets == secrets
    assert all(value not in repr(settings).replace(settings.journal, "") for value in secrets)
