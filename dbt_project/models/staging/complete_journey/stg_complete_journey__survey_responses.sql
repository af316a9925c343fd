with

survey_responses as (
    {{ versions('complete_journey', 'survey_responses') }}
),

renamed as (
    select
        'complete_journey' as source,
        survey_id,
        wave,
        cast({{ text('household_id') }} as bigint) as customer_id,
        question_id,
        lower({{ text('question_kind') }}) as question_kind,
        {{ text('attribute') }} as attribute,
        {{ text('answer') }} as answer,
        cast({{ local_time('answered_at', 'complete_journey', 'survey_responses') }} as date) as answered_on,
        lower({{ text('channel') }}) as channel,
        known_from_on,
        known_until_on
    from survey_responses
)

select * from renamed
