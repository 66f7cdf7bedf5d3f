"""What Ape registers: the `v2v:` section of its configuration."""

from __future__ import annotations

from ape.api import PluginConfig
from pydantic_settings import SettingsConfigDict

from ape_v2v.config import Configuration


class V2VConfig(Configuration, PluginConfig):
    """Settings of this plugin, from ape-config.yaml and from variables that begin with APE_V2V_."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix="APE_V2V_")
