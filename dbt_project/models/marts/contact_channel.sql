{{ config(location=var('run_dir') ~ '/marts/contact_channel.parquet') }}

{{ marts_scheme(
    'contact_channel',
    features=[
        'consent_marketing', 'stated_contact_channel', 'contacts_30d', 'contacts_365d', 'reply_rate',
        'last_contact_on', 'last_contact_days', 'contacts_phone_365d', 'responses_phone_365d',
        'contacts_email_365d', 'responses_email_365d', 'contacts_sms_365d', 'responses_sms_365d',
        'contacts_app_365d', 'responses_app_365d', 'contacts_chat_365d', 'responses_chat_365d',
        'contacts_social_365d', 'responses_social_365d', 'contacts_mail_365d', 'responses_mail_365d',
    ],
    scores=[
        'preferred_contact_channel', 'contact_basis', 'contact_rate_phone', 'contact_rate_email',
        'contact_rate_sms', 'contact_rate_app', 'contact_rate_chat', 'contact_rate_social',
        'contact_rate_mail',
    ],
    words={
        'stated_contact_channel': 'wish', 'preferred_contact_channel': 'segment', 'contact_basis': 'basis',
    },
) }}
