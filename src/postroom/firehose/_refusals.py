"""
What CreateDeliveryStream and PutRecord have on AWS and these have not; refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from postroom.delivery._refusals import Missing

_STORES: Final = "Give a store; anything with put(key, data) is one."
DELIVERY_STREAM_NOT_THERE: Final[Missing] = {
    "amazon_open_search_serverless_destination_configuration": (
        "AmazonOpenSearchServerlessDestinationConfiguration",
        _STORES,
    ),
    "amazonopensearchservice_destination_configuration": ("AmazonopensearchserviceDestinationConfiguration", _STORES),
    "buffering_hints": ("BufferingHints", "Give buffering_size (MiB) and buffering_interval (seconds)."),
    "cloud_watch_logging_options": ("CloudWatchLoggingOptions", "Give an observer: stream.observe(…)."),
    "custom_time_zone": ("CustomTimeZone", "Keys are in UTC."),
    "data_format_conversion_configuration": ("DataFormatConversionConfiguration", ""),
    "database_source_configuration": (
        "DatabaseSourceConfiguration",
        "The one source there is is a Stream: source=stream.",
    ),
    "delivery_stream_encryption_configuration_input": ("DeliveryStreamEncryptionConfigurationInput", ""),
    "delivery_stream_type": ("DeliveryStreamType", "It has a source, or it takes records."),
    "direct_put_source_configuration": ("DirectPutSourceConfiguration", "Nothing is throttled."),
    "dynamic_partitioning_configuration": ("DynamicPartitioningConfiguration", ""),
    "elasticsearch_destination_configuration": ("ElasticsearchDestinationConfiguration", _STORES),
    "encryption_configuration": ("EncryptionConfiguration", ""),
    "error_output_prefix": ("ErrorOutputPrefix", "What is here goes wrong as a whole, and is kept: see undelivered."),
    "extended_s3_destination_configuration": ("ExtendedS3DestinationConfiguration", _STORES),
    "http_endpoint_destination_configuration": ("HttpEndpointDestinationConfiguration", _STORES),
    "iceberg_destination_configuration": ("IcebergDestinationConfiguration", _STORES),
    "kinesis_stream_source_configuration": ("KinesisStreamSourceConfiguration", "Give source=stream."),
    "msk_source_configuration": ("MSKSourceConfiguration", "The one source there is is a Stream: source=stream."),
    "opensearch_destination_configuration": ("AmazonopensearchserviceDestinationConfiguration", _STORES),
    "processing_configuration": ("ProcessingConfiguration", "append_delimiter=True is there of the processors."),
    "processors": ("ProcessingConfiguration.Processors", "append_delimiter=True is there of the processors."),
    "redshift_destination_configuration": ("RedshiftDestinationConfiguration", _STORES),
    "retry_duration": ("RetryOptions.DurationInSeconds", "An object is tried again for 24 hours, as on AWS for S3."),
    "retry_options": ("RetryOptions", "An object is tried again for 24 hours, as on AWS for S3."),
    "role_arn": ("RoleARN", ""),
    "s3_backup_configuration": ("S3BackupConfiguration", ""),
    "s3_backup_mode": ("S3BackupMode", ""),
    "s3_destination_configuration": ("S3DestinationConfiguration", _STORES),
    "snowflake_destination_configuration": ("SnowflakeDestinationConfiguration", _STORES),
    "splunk_destination_configuration": ("SplunkDestinationConfiguration", _STORES),
    "tags": ("Tags", ""),
    "transform": ("ProcessingConfiguration.Processors (Lambda)", ""),
}
"""Of CreateDeliveryStream (DEL A1 to A4)."""

DELIVERY_STREAM_TAKES: Final = (
    "append_delimiter",
    "buffering_interval",
    "buffering_size",
    "clock",
    "compression_format",
    "faults",
    "file_extension",
    "home",
    "prefix",
    "seed",
    "source",
    "starting_position",
)
"""What it does take here."""
