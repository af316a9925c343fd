{#
    An answer of a Kano question as one of like, must_be, neutral, live_with and dislike, whichever of the usual
    spellings the questionnaire used; null where it is none of them, and then the pair does not count.
#}
{% macro kano_answer(column) -%}
    case
        when {{ code(column) }} in ('like', 'i like it', 'i like it that way', '喜欢', '很喜欢') then 'like'
        when {{ code(column) }} in ('must_be', 'must-be', 'must be', 'expect', 'expect it', 'i expect it', '理应如此', '理所当然')
            then 'must_be'
        when {{ code(column) }} in ('neutral', 'i am neutral', '无所谓') then 'neutral'
        when {{ code(column) }} in ('live_with', 'live-with', 'live with', 'tolerate', 'can live with it', '可以忍受', '勉强接受', '能忍受')
            then 'live_with'
        when {{ code(column) }} in ('dislike', 'i dislike it', 'i dislike it that way', '不喜欢', '很不喜欢') then 'dislike'
    end
{%- endmacro %}

{#
    The category of a pair of answers: A attractive, O one-dimensional, M must-be, I indifferent, R reverse, Q
    questionable. `present` is the answer to having the attribute, `absent` to going without. All 25 cells: who likes both
    or dislikes both contradicts himself (Q); who dislikes having it, or likes going without, wants the reverse (R).
    Source: definitions, part 8, section 4 (Berger et al. 1993).
#}
{% macro kano_category(present, absent) -%}
    case
        when {{ present }} is null or {{ absent }} is null then null
        when {{ present }} = {{ absent }} and {{ present }} in ('like', 'dislike') then 'Q'
        when {{ present }} = 'dislike' or {{ absent }} = 'like' then 'R'
        when {{ present }} = 'like' and {{ absent }} = 'dislike' then 'O'
        when {{ present }} = 'like' then 'A'
        when {{ absent }} = 'dislike' then 'M'
        else 'I'
    end
{%- endmacro %}
