"""Settings: every knob of the desk and of its embedded exchange, read once.

One environment variable each, under the names in .env.example. Built in an
entrypoint's main and passed down as values; nothing else reads the environment.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.errors import Misconfigured
from common.place import ENV_FILE, HOME
from common.setting_types import (
    Bounded,
    Count,
    Finite,
    Minutes,
    Money,
    OrNone,
    Positive,
    Root,
    Seconds,
    Share,
)
from common.toolsets import DEFAULT, asked_sets

VERSION = "0.1.0"


class Mode(StrEnum):
    """Whose money it is. Said in every reply."""

    PAPER_LOCAL = "paper-local"  # our own exchange on this machine
    PAPER = "paper"  # an Alpaca-compatible paper account
    LIVE = "live"


class Approval(StrEnum):
    """Who agrees to an opening order."""

    AUTO = "auto"  # the token on paper, a person on live
    ALWAYS = "always"  # a person, on paper too
    TOKEN = "token"  # noqa: S105 the preview's token alone; live refuses it


class LossAction(StrEnum):
    """What happens by itself once the session has lost its maximum."""

    REDUCE = "reduce"  # nothing opens any more; working opening orders may still fill
    HALT = "halt"  # and working opening orders are canceled
    FLATTEN = "flatten"  # and every position is closed


class ExchangeSettings(BaseModel):
    """The embedded paper exchange, as the desk starts it. EXCHANGE__NAME each."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    port: Annotated[int, Field(ge=0, le=65535)] = 0  # 0 takes any free one
    feed: Literal["synthetic", "live"] = "synthetic"
    clock: Literal["real", "demo", "stepped"] = "demo"
    speed: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    day: date | None = None  # where a demo or stepped clock first starts; None is the next session
    at: time | None = None  # New York time of that day; None is the open
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 7
    cash: Annotated[Money, Bounded] = Decimal(100_000)

    # The market that feed live passes through; without upstream_url it is Alpaca's.
    upstream_key: SecretStr | None = None
    upstream_secret: SecretStr | None = None
    upstream_url: Root | None = None
    upstream_requests: Annotated[int, Field(ge=30, le=100_000)] = 200  # a minute
    stock_feed: Literal["iex", "sip"] = "iex"
    option_feed: Literal["indicative", "opra"] = "indicative"
    stale_after: Annotated[Seconds, Positive] = timedelta(seconds=60)  # an older quote is none

    @model_validator(mode="after")
    def _coherent(self) -> ExchangeSettings:
        if self.feed == "live":
            if self.upstream_key is None or self.upstream_secret is None:
                raise ValueError("FEED live needs UPSTREAM_KEY and UPSTREAM_SECRET")
            if self.clock != "real" or self.day is not None or self.at is not None:
                raise ValueError("FEED live keeps its own time: set CLOCK=real, no DAY and no AT")
        return self


_WHERE = frozenset(  # where a daemon is, what it logs, what is shown: no other desk by these
    {"state_dir", "log_level", "host", "port", "prometheus_port", "toolsets", "read_only"}
    | {"otel_exporter_otlp_endpoint"}
)


class Settings(BaseSettings):
    """Every knob of the desk. mode is derived once, fails closed and is never guessed."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # a failing validator must not print a key
    )

    # Account and mode
    trading_mode: Mode | None = None  # None derives it; a contradiction is refused
    alpaca_api_key: SecretStr | None = None
    alpaca_secret_key: SecretStr | None = None
    alpaca_base_url: Root | None = None
    alpaca_live: bool = False
    live_trading_acknowledged: bool = False
    option_feed: Literal["indicative", "opra"] = "indicative"

    # Risk
    max_daily_loss: Annotated[Money, Bounded] = Decimal(500)
    portfolio_delta_cap: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 50.0
    quote_age_max: Annotated[Seconds, Positive] = timedelta(seconds=5)
    spread_max: Annotated[Money, Bounded] = Decimal("0.25")  # of a leg's mid; 5 cents always pass
    no_entry_before_close: Annotated[Minutes, Positive] = timedelta(minutes=40)
    exit_before_close: Annotated[Minutes, Positive] = timedelta(minutes=35)
    last_order_before_close: Annotated[Minutes, Positive] = timedelta(minutes=30)  # the broker's
    loss_action: LossAction = LossAction.FLATTEN
    broker_lock: bool | None = None  # None is yes on paper, no on live
    trade_risk_max: Annotated[Money, Bounded] | None = None  # None is max_daily_loss
    strategy_risk_max: Annotated[Money, Bounded] | None = None  # None is max_daily_loss
    exposure_max: Annotated[Money, Bounded] | None = None  # None is twice max_daily_loss
    contracts_max: Count = 100
    strike_contracts_max: Count = 100
    expiry_contracts_max: Count = 400
    open_interest_min: Annotated[int, Field(ge=0, le=1_000_000)] = 10
    sigma_delta_cap: Annotated[float, Finite] | None = None  # None is twice portfolio_delta_cap
    assignment_shares_max: Count = 1_000
    late_gamma_max: Annotated[float, Finite] = 500_000.0  # dollars of delta a 1% move brings
    late_gamma_from: Annotated[Minutes, Positive] = timedelta(minutes=60)  # before the close
    var_max: Annotated[Money, Bounded] | None = None  # None is max_daily_loss
    es_max: Annotated[Money, Bounded] | None = None  # None is max_daily_loss
    trades_per_day_max: Count = 20
    orders_per_minute_max: Count = 10
    orders_per_hour_max: Count = 60
    duplicate_window: Annotated[Seconds, OrNone] = timedelta(seconds=60)
    repeats_max: Count = 5
    cooldown_after_loss: Annotated[Minutes, OrNone] = timedelta(minutes=10)
    consecutive_losses_max: Count = 3

    # Strategies
    orb_last_entry: time = time(12)  # New York
    orb_entries_max: Annotated[int, Field(ge=1, le=100)] = 1  # a session, each direction
    condor_credit_min: Annotated[Money, Share] = Decimal("0.10")  # of the width
    lotto_opens: Annotated[Minutes, Positive] = timedelta(minutes=60)  # before the close
    lotto_budget: Annotated[Money, Bounded] = Decimal(50)  # dollars, where no risk is given
    lotto_premium_min: Annotated[Money, Bounded] = Decimal("0.03")  # a share
    premium_max: Annotated[Money, Bounded] = Decimal(500)  # of one sized order
    displayed_share_max: Annotated[Money, Share] = Decimal("0.20")  # of the thinnest touch

    # Confirmation
    approval: Approval = Approval.AUTO
    approval_timeout: Annotated[Seconds, Positive] = timedelta(minutes=5)
    confirmation_timeout: Annotated[Seconds, Positive] = timedelta(seconds=30)
    price_tolerance: Annotated[Money, Bounded] = Decimal("0.05")  # of the net; 2 cents always pass

    # Tools
    toolsets: Annotated[str, AfterValidator(asked_sets)] = DEFAULT
    read_only: bool = False
    calls_per_minute: Count = 1_200  # of each principal; what stops trading is not counted

    # Execution
    entry_pricing: Literal["adaptive", "natural"] = "adaptive"  # from the mid, or at once
    entry_step: Annotated[Seconds, Positive] = timedelta(seconds=1)
    entry_steps: Annotated[int, Field(ge=1, le=20)] = 3  # a quarter of the spread each
    entry_timeout: Annotated[Seconds, Positive] = timedelta(seconds=10)

    # Market data
    spy_chain_update_interval: Annotated[Seconds, Positive] = timedelta(seconds=0.2)
    stream_symbols_max: Annotated[int, Field(ge=4, le=1000)] = 200  # the feed's own limit
    history_days: Annotated[int, Field(ge=0, le=1500)] = 500  # of minute bars, for VaR; 0 is none
    auto_expire_time: time = time(16, 15)  # New York, of a full day; early closes move it
    cache_cleanup_interval: Annotated[Seconds, Positive] = timedelta(seconds=30)

    # Broker connection
    broker_timeout: Annotated[Seconds, Positive] = timedelta(seconds=8)
    # None is 200, the broker's own limit, and plenty at the embedded exchange.
    broker_requests_per_minute: Annotated[int, Field(ge=10, le=100_000)] | None = None
    fmp_api_key: SecretStr | None = None  # of the research provider
    fmp_url: Root = "https://financialmodelingprep.com"
    fmp_requests_per_minute: Annotated[int, Field(ge=10, le=3_000)] = 60

    # The daemon
    state_dir: Path = Path(HOME)
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    prometheus_port: Annotated[int, Field(ge=0, le=65535)] = 9090
    allowed_hosts: str = ""  # comma-separated Host names besides loopback
    idle_timeout: Annotated[Minutes, Positive] = timedelta(minutes=30)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    answer_schemas: Literal["brief", "full"] = "brief"  # in the list of tools

    exchange: ExchangeSettings = ExchangeSettings()

    @model_validator(mode="after")
    def _coherent(self) -> Settings:
        if (self.alpaca_api_key is None) != (self.alpaca_secret_key is None):
            raise ValueError("ALPACA_API_KEY and ALPACA_SECRET_KEY must be set together")
        if self.exit_before_close >= self.no_entry_before_close:
            raise ValueError("NO_ENTRY_BEFORE_CLOSE must lie before EXIT_BEFORE_CLOSE")
        if self.last_order_before_close >= self.exit_before_close:
            raise ValueError("EXIT_BEFORE_CLOSE must lie before LAST_ORDER_BEFORE_CLOSE")
        if self.mode is Mode.LIVE and self.approval is Approval.TOKEN:
            raise ValueError("APPROVAL=token is for paper: on live a person approves each order")
        return self

    @property
    def has_keys(self) -> bool:
        """Whether broker keys are configured."""
        return self.alpaca_api_key is not None

    @property
    def mode(self) -> Mode:
        """No keys is paper-local, keys are paper; live needs both switches and says so.

        Raises ValueError where the settings contradict each other.
        """
        if self.alpaca_live != self.live_trading_acknowledged:
            raise ValueError("ALPACA_LIVE and LIVE_TRADING_ACKNOWLEDGED must be set together")
        derived = Mode.PAPER if self.has_keys else Mode.PAPER_LOCAL
        if self.alpaca_live:
            derived = Mode.LIVE
            if not self.has_keys:
                raise ValueError("ALPACA_LIVE needs ALPACA_API_KEY and ALPACA_SECRET_KEY")
            if self.alpaca_base_url is not None:
                raise ValueError("ALPACA_LIVE and ALPACA_BASE_URL exclude each other")
        elif self.alpaca_base_url is not None and not self.has_keys:
            raise ValueError("ALPACA_BASE_URL needs ALPACA_API_KEY and ALPACA_SECRET_KEY")
        if self.trading_mode is not None and self.trading_mode is not derived:
            raise ValueError(
                f"TRADING_MODE is {self.trading_mode.value} but the other settings mean "
                f"{derived.value}"
            )
        return derived

    @property
    def needs_person(self) -> bool:
        """Whether a person must approve each opening order, beyond the preview's token."""
        return self.approval is Approval.ALWAYS or self.mode is Mode.LIVE

    @property
    def locks_broker(self) -> bool:
        """Whether trading is suspended at the broker too, once it is halted and flat here."""
        return self.mode is not Mode.LIVE if self.broker_lock is None else self.broker_lock

    @property
    def requests_per_minute(self) -> int:
        """How many requests the broker gets at most."""
        if self.broker_requests_per_minute is not None:
            return self.broker_requests_per_minute
        return 6_000 if self.mode is Mode.PAPER_LOCAL else 200

    @property
    def state_home(self) -> Path:
        """The state folder, absolute."""
        return self.state_dir.expanduser().absolute()

    def digest(self) -> str:
        """Return a fingerprint of every setting that changes what the daemon does.

        Keys enter as hashes, so the digest may be written to the lock file.
        """
        values = self.model_dump(mode="json", exclude=set(_WHERE))
        for model, shown in ((self, values), (self.exchange, values["exchange"])):
            for name, secret in model:
                if isinstance(secret, SecretStr):
                    shown[name] = hashlib.sha256(secret.get_secret_value().encode()).hexdigest()
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and .env; overrides win.

    Raises Misconfigured naming every offending setting and never a value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as e:
        raise Misconfigured("; ".join(_complaint(error) for error in e.errors())) from None


def _complaint(error: Any) -> str:
    name = "__".join(str(part) for part in error["loc"]).upper()
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
