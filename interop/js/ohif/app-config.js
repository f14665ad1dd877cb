/* OHIF's configuration for Keepray; the runner fills in the two addresses and the token. */
const KEEPRAY = "@BASE@/dicomweb";
const TOKEN = "@TOKEN@";

window.config = {
  routerBasename: "/",
  showStudyList: true,
  modes: [],
  investigationalUseDialog: { option: "never" },
  // The token goes with every request to Keepray as a header, never in an address.
  extensions: [
    {
      id: "keepray-token",
      preRegistration({ servicesManager }) {
        servicesManager.services.userAuthenticationService.setServiceImplementation({
          getAuthorizationHeader: () => ({ Authorization: `Bearer ${TOKEN}` }),
        });
      },
    },
  ],
  defaultDataSourceName: "keepray",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "keepray",
      configuration: {
        friendlyName: "Keepray",
        name: "keepray",
        qidoRoot: KEEPRAY,
        wadoRoot: KEEPRAY,
        qidoSupportsIncludeField: true,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        omitQuotationForMultipartRequest: false,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
