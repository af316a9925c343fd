{# The contact channels there are; the words sources use for them are in the seed contact_channels. #}
{% macro contact_channels() -%}
    {{ return(['phone', 'email', 'sms', 'app', 'chat', 'social', 'mail']) }}
{%- endmacro %}
