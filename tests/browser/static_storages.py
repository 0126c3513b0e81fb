"""A static storage that follows the imports of modules."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class AggregatingStorage(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
